// Writes to /tmp, and could not write anywhere else.
const { createServer } = require('node:http');
const { appendFileSync, readFileSync } = require('node:fs');

createServer((request, response) => {
  appendFileSync('/tmp/visits', '.');
  response.end(`visit ${readFileSync('/tmp/visits', 'utf8').length}`);
}).listen(3000);
