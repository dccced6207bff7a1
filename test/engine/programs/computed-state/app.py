# Counts its visits in a place that no file names.
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

state = os.path.join(os.sep, "var", "lib", "ledger")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            os.makedirs(state, exist_ok=True)
            with open(os.path.join(state, "visits"), "a+") as visits:
                visits.write(".")
                visits.seek(0)
                status, text = 200, "visit %d" % len(visits.read())
        except OSError as error:
            status, text = 500, str(error)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args):
        pass


HTTPServer(("", 8000), Handler).serve_forever()
