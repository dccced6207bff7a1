const { readFileSync } = require('node:fs');
const { createServer } = require('node:http');

const [greeting, end] = ['greeting.txt', 'end.txt'].map((name) => readFileSync(`/app/${name}`, 'utf8').trim());
createServer((request, response) => response.end(`${greeting}${end}`)).listen(3000);
