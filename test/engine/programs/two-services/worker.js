// Works on jobs, as long as it lives.
const { writeFileSync } = require('node:fs');

writeFileSync('/var/jobs/worker', 'at work');
setInterval(() => {}, 1000);
