/** Makes a handler of a function that returns the answer or throws the refusal. */
export function answering(work) {
  return (e) => {
    let answer;
    try {
      answer = work(e.payload);
    } catch (refusal) {
      if (refusal.payload === undefined) throw refusal;
      return e.reject(refusal.payload);
    }
    e.reply(answer);
  };
}
