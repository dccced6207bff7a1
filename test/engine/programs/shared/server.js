// Keeps what is PUT to it in a directory, and lists it.
const { createServer } = require('node:http');
const { readdirSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const directory = process.env.DIR || '/app/uploads';

createServer((request, response) => {
  if (request.method !== 'PUT') return answer(response, () => `kept: ${readdirSync(directory).sort().join(' ')}`);
  let body = '';
  request.on('data', (part) => (body += part));
  request.on('end', () => answer(response, () => (writeFileSync(join(directory, request.url), body), 'ok')));
}).listen(3000);

function answer(response, work) {
  try {
    response.end(work());
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
}
