// Asks by a datagram, and answers with what comes back.
const [host, port] = process.env.NAMES.split(':');
require('http').createServer((request, response) => {
  const socket = require('dgram').createSocket('udp4');
  socket.on('message', (message) => {
    response.end(String(message));
    socket.close();
  });
  socket.send(request.url.slice(1), Number(port), host);
}).listen(3000);
