// Says what it was built to say.
require('node:http').createServer((request, response) => response.end(process.env.GREETING)).listen(3000);
