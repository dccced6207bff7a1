const ms = require('ms');

console.log(`${ms('2 days')} is ${ms(172800000, { long: true })}`);
