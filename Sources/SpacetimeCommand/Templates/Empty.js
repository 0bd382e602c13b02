conn.subscriptionBuilder().subscribe((tables) => tables.note);
follow(conn.db.note);
onSubmit('add', ({ text }) => conn.reducers.add({ text }));

function draw() {
  const notes = [...conn.db.note.iter()].sort((one, other) => Number(one.id - other.id));
  find('notes').replaceChildren(...notes.map((note) => item(
    note.text, ' ',
    ...(note.author.isEqual(me) ? [button('Remove', () => conn.reducers.remove({ id: note.id }))] : []),
  )));
}
