# Keeps its visits in a file beside itself.
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            with open("visits.txt", "a") as visits:
                visits.write(".")
            with open("visits.txt") as visits:
                status, text = 200, "visit %d" % len(visits.read())
        except OSError as error:
            status, text = 500, str(error)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args):
        pass


HTTPServer(("", 8000), Handler).serve_forever()
