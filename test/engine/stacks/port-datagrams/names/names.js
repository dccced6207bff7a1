// Answers datagrams and connections on one port.
const port = Number(process.argv[3]);
const socket = require('dgram').createSocket('udp4');
socket.on('message', (message, { port: to, address }) => socket.send(`datagram ${message}`, to, address)).bind(port);
require('net').createServer((connection) => connection.once('data', (data) => connection.end(`connection ${String(data).trim()}\n`)).on('error', () => {})).listen(port);
