# Writes a report and ends.
import os

with open("/reports/today.txt", "w") as report:
    report.write("all is well\n")
print("reported by uid %d" % os.getuid())
