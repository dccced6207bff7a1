const http = require('http');
const ms = require('ms');

http.createServer((request, response) => response.end(`${request.url.slice(1)}: ${ms(Number(request.url.slice(1)), { long: true })}`)).listen(process.env.PORT);
