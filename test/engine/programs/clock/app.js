const { createServer } = require('node:http');

createServer((request, response) => response.end(`it is ${new Date().toISOString().slice(0, 19)}\n`)).listen(3000);
