const words = { Open: 'open', UnderWay: 'under way', Done: 'done' };
conn.subscriptionBuilder().subscribe((tables) => [tables.issue, tables.remark]);
follow(conn.db.issue);
follow(conn.db.remark);
onSubmit('open', ({ title }) => conn.reducers.open({ title }));

function draw() {
  const issues = [...conn.db.issue.iter()].sort((one, other) => Number(one.id - other.id));
  const remarks = [...conn.db.remark.iter()].sort((one, other) => Number(one.id - other.id));
  find('issues').replaceChildren(...issues.map((issue) => {
    const { id, progress, assignee } = issue;
    const actions = [];
    if (progress.tag === 'Open') actions.push(button('Take', () => conn.reducers.take({ id })));
    if (progress.tag === 'UnderWay' && assignee?.isEqual(me)) actions.push(button('Finish', () => conn.reducers.finish({ id })));
    if (progress.tag === 'Done') actions.push(button('Archive', () => conn.reducers.archive({ id })));
    actions.push(button('Remark', async () => {
      const text = prompt('What is there to say?');
      if (text) await conn.reducers.remark({ issue: id, text });
    }));
    const said = remarks.filter((remark) => remark.issue === id).map((remark) => item(remark.text));
    const list = document.createElement('ul');
    list.append(...said);
    return item(`#${id} ${issue.title} (${words[progress.tag]}) `, ...actions, list);
  }));
}
