// Writes licences.txt: the licence of every package of which anything is in the bundle.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const NAMED = /^(licen[cs]e|copying|notice)/i;

function packageOf(file) {
  for (let folder = dirname(file); folder.includes('node_modules'); folder = dirname(folder)) {
    const described = join(folder, 'package.json');
    if (existsSync(described)) {
      const about = JSON.parse(readFileSync(described, 'utf8'));
      if (about.name && about.version) {
        return { folder, about };
      }
    }
  }
  return undefined;
}

function text({ folder, about }) {
  const files = readdirSync(folder).filter((name) => NAMED.test(name));
  const licence = typeof about.license === 'string' ? about.license : about.license?.type;
  const author = typeof about.author === 'string' ? about.author : about.author?.name;
  const given = files.map((name) => readFileSync(join(folder, name), 'utf8').trim());
  const head = `${about.name} ${about.version}: ${licence ?? 'see below'}`;
  return [head, ...(given.length > 0 ? given : [`By ${author ?? 'its authors'}.`])].join('\n\n');
}

export function licences() {
  return {
    name: 'licences',
    generateBundle(_options, bundle) {
      const found = new Map();
      for (const part of Object.values(bundle)) {
        for (const id of part.type === 'chunk' ? Object.keys(part.modules) : []) {
          const file = id.replace(/^\0/, '').split('?')[0];
          const owner = file.includes('node_modules') ? packageOf(file) : undefined;
          if (owner) {
            found.set(`${owner.about.name} ${owner.about.version}`, owner);
          }
        }
      }
      const texts = [...found.keys()].sort().map((name) => text(found.get(name)));
      const source = ['What the viewer is made of, and under which licences.', ...texts];
      const line = `\n\n${'-'.repeat(72)}\n\n`;
      this.emitFile({ type: 'asset', fileName: 'licences.txt', source: source.join(line) + '\n' });
    },
  };
}
