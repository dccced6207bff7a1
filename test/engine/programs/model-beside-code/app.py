# Asks a model that comes with it, and keeps the answer.
import os
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        with open("answers/last", "w") as answer:
            answer.write(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(("%d bytes" % os.path.getsize("model.bin")).encode())

    def log_message(self, *args):
        pass


HTTPServer(("", 8000), Handler).serve_forever()
