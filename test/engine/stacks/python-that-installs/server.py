import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Sum(BaseHTTPRequestHandler):
    def do_GET(self):
        numbers = "[%s]" % self.path.strip("/").replace("+", ",")
        total = subprocess.run(["jq", "add"], input=numbers, capture_output=True, text=True).stdout
        self.send_response(200)
        self.end_headers()
        self.wfile.write(total.encode())

    def log_message(self, *_):
        pass


HTTPServer(("", int(sys.argv[sys.argv.index("--port") + 1])), Sum).serve_forever()
