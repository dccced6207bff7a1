apt-get update -qq
if ! command -v figlet > /dev/null; then
  apt-get install -qq -y figlet > /dev/null
fi
GREETING=hi
