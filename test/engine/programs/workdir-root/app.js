// Says where it is not.
require('node:http').createServer((request, response) => response.end('at home')).listen(3000);
