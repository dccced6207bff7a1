require('http').createServer((request, response) => response.end('hello\n')).listen(80);
