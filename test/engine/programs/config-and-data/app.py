# Greets as its configuration says, and remembers the last caller in a directory that it makes if need be.
import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

greeting = json.load(open("config.json"))["greeting"]
directory = os.environ["DATA_DIR"]
os.makedirs(directory, exist_ok=True)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        with open(os.path.join(directory, "last"), "w") as last:
            last.write(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(greeting.encode())

    def log_message(self, *_):
        pass


HTTPServer(("", 8000), Handler).serve_forever()
