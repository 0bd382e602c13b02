conn.subscriptionBuilder().subscribe((tables) => [tables.user, tables.message]);
follow(conn.db.user);
follow(conn.db.message);
onSubmit('send', ({ text }) => conn.reducers.send({ text }));
onSubmit('rename', ({ name }) => conn.reducers.rename({ name }));

function draw() {
  const users = [...conn.db.user.iter()];
  const names = new Map(users.map((user) => [user.identity.toHexString(), user.name]));
  const online = users.filter((user) => user.isOnline).map((user) => user.identity.isEqual(me) ? `${user.name} (you)` : user.name);
  find('users').textContent = `Here: ${online.join(', ')}`;
  const messages = [...conn.db.message.iter()].sort((one, other) => Number(one.id - other.id));
  const list = find('messages');
  list.replaceChildren(...messages.map((message) => item(
    `${names.get(message.sender.toHexString()) ?? 'somebody'}: ${message.text}`,
  )));
  list.scrollTop = list.scrollHeight;
}
