// Caches under the home of whoever runs it.
const { createServer } = require('node:http');
const { mkdirSync, writeFileSync } = require('node:fs');
const { homedir } = require('node:os');
const { join } = require('node:path');

createServer((request, response) => {
  try {
    const directory = join(homedir(), '.cache', 'app');
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'last'), request.url);
    response.end('cached');
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
}).listen(3000);
