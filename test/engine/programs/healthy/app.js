// Is well once its health check could leave a mark.
const { createServer } = require('node:http');
const { existsSync, writeFileSync } = require('node:fs');

writeFileSync(`${process.env.BEATS}/first`, '');
createServer((request, response) => response.end(existsSync(`${process.env.BEATS}/first`) ? 'well' : 'ill')).listen(3000);
