require('http').createServer((request, response) => response.end(`asked for ${request.url}`)).listen(process.env.PORT);
