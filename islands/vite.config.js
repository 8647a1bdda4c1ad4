// One bundle for each island, with a manifest that the portal reads (portal/static_files.py).
import { fileURLToPath } from 'node:url';

import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

import { licences } from './licences.js';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here('.'),
  base: './',
  plugins: [react(), licences()],
  resolve: {
    // these two make functions out of text, which the page's content security policy forbids
    alias: { 'ndarray-ops': here('src/ndarray-ops.ts'), ndarray: here('src/ndarray.ts') },
  },
  build: {
    assetsDir: '.',
    chunkSizeWarningLimit: 2000,
    emptyOutDir: true,
    manifest: 'manifest.json',
    modulePreload: { polyfill: false },
    outDir: here('../src/panosc/portal/static/dist'),
    reportCompressedSize: false,
    rollupOptions: { input: { viewer: here('src/viewer.tsx') } },
    target: 'es2022',
  },
});
