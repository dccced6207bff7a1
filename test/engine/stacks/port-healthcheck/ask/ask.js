// Answers with what it gets where it is told to ask, as somebody who came by another name.
const http = require('http');

http.createServer((request, response) => {
  const asked = http.get(process.env.TARGET + request.url, { headers: { host: 'www.example.com' } }, (answer) => {
    let text = '';
    answer.on('data', (part) => (text += part)).on('end', () => response.end(`${answer.statusCode} ${answer.headers.location ?? text}`));
  });
  asked.on('error', ({ message }) => response.end(message));
}).listen(3000);
