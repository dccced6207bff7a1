# Counts its requests in a database.
import os
import sqlite3
from http.server import BaseHTTPRequestHandler, HTTPServer

database = sqlite3.connect(os.path.join(os.environ["DATA_DIR"], "hits.db"))
database.execute("create table if not exists hits (path text)")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            self.answer(200, f"hit {self.count()}")
        except sqlite3.Error as error:
            self.answer(500, str(error))

    def count(self):
        database.execute("insert into hits values (?)", (self.path,))
        database.commit()
        (count,) = database.execute("select count(*) from hits").fetchone()
        return count

    def answer(self, status, text):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


HTTPServer(("", 8000), Handler).serve_forever()
