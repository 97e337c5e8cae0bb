// The zone and the language of the machine.
// expect: 200 [0,"undefined","1234567.891","1970-01-01T00:00:00.000Z"]
export default () => [new Date(0).getTimezoneOffset(), typeof Intl, (1234567.891).toLocaleString("de-DE"), new Date(0).toISOString()];
