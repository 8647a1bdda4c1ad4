// The certified provider oidc-provider, in memory and on loopback, steered by lines of JSON.
//
// The first line of stdin is the configuration: {people, lifetimes}. Each further line is a
// command, {"do": …}; each is answered by one line on stdout: listen, close, client, rotate.
import { generateKeyPair } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import Provider from 'oidc-provider';

// stdout is for answers alone
console.log = console.info = console.warn = console.error;

const rows = new Map();
const grantsOf = new Map();

// keeps what was granted while the provider is built anew around other keys
class Memory {
  constructor(model) { this.model = model; }
  key(id) { return `${this.model}:${id}`; }
  async find(id) {
    const row = rows.get(this.key(id));
    return row && (!row.until || row.until > Date.now()) ? row.payload : undefined;
  }
  async #findBy(name, value) {
    for (const [key, row] of rows) {
      if (key.startsWith(`${this.model}:`) && row.payload[name] === value) return row.payload;
    }
    return undefined;
  }
  async findByUid(uid) { return this.#findBy('uid', uid); }
  async findByUserCode(userCode) { return this.#findBy('userCode', userCode); }
  async upsert(id, payload, seconds) {
    rows.set(this.key(id), { payload, until: seconds && Date.now() + seconds * 1000 });
    if (payload.grantId) {
      const keys = grantsOf.get(payload.grantId) ?? new Set();
      grantsOf.set(payload.grantId, keys.add(this.key(id)));
    }
  }
  async consume(id) { rows.get(this.key(id)).payload.consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { rows.delete(this.key(id)); }
  async revokeByGrantId(grantId) {
    for (const key of grantsOf.get(grantId) ?? []) rows.delete(key);
    grantsOf.delete(grantId);
  }
}

async function newKey() {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: crypto.randomUUID() };
}

const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { people, lifetimes } = JSON.parse((await input.next()).value);
const clients = [];
let keys = [await newKey()];
let port = 0;
let server;
let handler;

function build() {
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    adapter: Memory,
    clients: clients.map((client) => client.metadata),
    jwks: { keys },
    cookies: { keys: ['for tests only'] },
    pkce: { required: () => true },
    scopes: ['openid'],
    claims: {
      openid: ['sub'],
      profile: ['name', 'given_name', 'family_name', 'preferred_username'],
      email: ['email', 'email_verified'],
      eduperson_entitlement: ['eduperson_entitlement'],
      voperson_id: ['voperson_id'],
      orcid: ['orcid'],
    },
    features: {
      devInteractions: { enabled: true },
      deviceFlow: { enabled: true },
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      backchannelLogout: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: async () => undefined,
        useGrantedResource: async () => true,
        getResourceServerInfo: async (_ctx, resource, client) => {
          const known = clients.find((one) => one.metadata.client_id === client.clientId);
          if (!known?.audiences.includes(resource)) {
            const { errors } = await import('oidc-provider');
            throw new errors.InvalidTarget();
          }
          return {
            scope: 'openid profile email', audience: resource, accessTokenFormat: 'jwt',
            accessTokenTTL: lifetimes.access_s, jwt: { sign: { alg: 'RS256' } },
          };
        },
      },
    },
    // the default refuses to call loopback, which is where the nodes under test are
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
    ttl: {
      AccessToken: lifetimes.access_s, AuthorizationCode: lifetimes.code_s,
      IdToken: lifetimes.id_token_s, RefreshToken: lifetimes.refresh_s,
      Session: lifetimes.login_s, Grant: lifetimes.login_s, Interaction: 600,
      DeviceCode: lifetimes.device_s,
    },
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    findAccount: async (_ctx, id) => (people[id]
      ? { accountId: id, claims: async () => ({ sub: id, ...people[id] }) } : undefined),
  });
  for (const event of ['server_error', 'backchannel.error']) {
    provider.on(event, (_ctx, error) => console.error(event, error.message, error.cause ?? ''));
  }
  handler = provider.callback();
}

const commands = {
  async listen() {
    server = createServer((request, response) => handler(request, response));
    await new Promise((done) => { server.listen(port, '127.0.0.1', done); });
    port = server.address().port;
    build();
    return { port };
  },
  async close() {
    const closed = new Promise((done) => { server.close(done); });
    server.closeAllConnections();
    await closed;
    return {};
  },
  async client({ metadata, audiences }) {
    clients.push({ metadata, audiences });
    build();
    return {};
  },
  async rotate() {
    keys = [await newKey(), ...keys].slice(0, 2);
    build();
    return {};
  },
};

for await (const line of input) {
  const command = JSON.parse(line);
  let answer;
  try {
    answer = await commands[command.do](command);
  } catch (error) {
    answer = { error: error.message };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);
