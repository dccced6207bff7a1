// Listens where ASP.NET's variable says.
for (const url of process.env.ASPNETCORE_URLS.split(';')) {
  const [, host, port] = /^http:\/\/([^:]*):(\d+)$/.exec(url);
  require('http').createServer((request, response) => response.end('hello\n')).listen(Number(port), host === '+' ? undefined : host);
}
