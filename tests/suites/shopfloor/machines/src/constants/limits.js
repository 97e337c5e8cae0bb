export default { temperature: 90 };
