# Logs each request to the file that it is told.
import argparse
from http.server import BaseHTTPRequestHandler, HTTPServer

parser = argparse.ArgumentParser()
parser.add_argument("--log-file", required=True)
path = parser.parse_args().log_file
log = open(path, "a", buffering=1)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        log.write(self.path + "\n")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(open(path, "rb").read())

    def log_message(self, *_):
        pass


HTTPServer(("", 8000), Handler).serve_forever()
