import subprocess

banner = subprocess.run(["toilet", "--font", "future", "up"], capture_output=True, text=True, check=True).stdout
print(f"drawn in {len(banner.splitlines())} lines")
