# Says what its settings say.
import json
from http.server import BaseHTTPRequestHandler, HTTPServer

with open("settings.json") as file:
    greeting = json.load(file)["greeting"]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(greeting.encode())

    def log_message(self, *args):
        pass


HTTPServer(("", 8000), Handler).serve_forever()
