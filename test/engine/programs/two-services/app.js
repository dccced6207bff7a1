// Takes jobs.
const { createServer } = require('node:http');
const { writeFileSync } = require('node:fs');

createServer((request, response) => {
  writeFileSync('/var/jobs/next', request.url);
  response.end('taken');
}).listen(3000);
