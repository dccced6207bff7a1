// Logs into a directory that is everybody's, under a name that no file has.
const { createServer } = require('node:http');
const { appendFileSync } = require('node:fs');

const log = ['', 'var', 'log', `${'acc'}${'ess'}.log`].join('/');

appendFileSync(log, 'started\n');
createServer((request, response) => {
  appendFileSync(log, `${request.url}\n`);
  response.end('logged');
}).listen(3000);
