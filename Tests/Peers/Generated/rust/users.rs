//! What users write against generated code.
#![allow(unused)]
mod game;
mod everything;
mod nested;

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
    // A view with parameters: its rows, of what is asked for in SQL.
    conn.subscription_builder().subscribe(["SELECT * FROM scores_above(5, NULL)"]);
    conn.db.scores_above().on_update(|_, old, new| println!("{} {}", old.points, new.points));
    all_of(&conn);
    submodules();
}

/// Submodules: names that begin with theirs.
fn submodules() {
    use nested::*;
    let conn = nested::DbConnection::builder().with_uri("ws://localhost:3000").with_database_name("nested").build().unwrap();
    let user: Option<LibUser> = conn.db.lib_users().id().find(&1);
    conn.subscription_builder().add_query(|q| q.from.lib_users().r#where(|u| u.id.gt(3u64))).subscribe();
    conn.reducers.lib_do_it(LibUser { id: 1, level: LibLevel::High(3), levels: vec![] }).unwrap();
    conn.procedures.lib_best_then(|_, result| println!("{:?}", result.unwrap()));
    println!("{:?} {}", user, conn.db.lib_deep_things().count());
}
