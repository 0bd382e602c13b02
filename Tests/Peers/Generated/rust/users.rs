//! What users write against generated code.
#![allow(unused)]
mod game;
mod everything;

use game::*;
use spacetimedb_sdk::{DbContext, Table, TableWithPrimaryKey};

fn all_of(ctx: &impl RemoteDbContext) -> u64 { ctx.db().player().count() }

fn main() {
    let conn = DbConnection::builder()
        .with_uri("ws://localhost:3000").with_database_name("game").with_token(None::<String>)
        .on_connect(|conn, _, _| {
            conn.subscription_builder().on_applied(|ctx| println!("{}", ctx.db.player().count()))
                .add_query(|q| q.from.player().r#where(|p| p.id.gt(3u64))).subscribe();
        })
        .build().unwrap();
    conn.db.player().on_insert(|ctx, row| println!("{} {:?}", row.name, ctx.db.score_entry().count()));
    conn.db.player().on_update(|_, old, new| println!("{} {}", old.name, new.name));
    let ann: Option<Player> = conn.db.player().name().find(&"Ann".to_string());
    let first = conn.db.player().id().find(&1);
    conn.reducers.submit_move(7, Move::Say("gg".to_string())).unwrap();
    conn.reducers.submit_move_then(7, Move::Place(Cell { x: 1, y: 2 }), |_, result| println!("{result:?}")).unwrap();
    conn.procedures.top_scores_then(3, |_, result| println!("{}", result.unwrap().len()));
    all_of(&conn);
}
