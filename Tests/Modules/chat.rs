//! The chat of `Examples/Chat` in Rust: the same definition, the same behaviour, to the letter. `chat.c` is it in C.
#[macro_use]
mod spacetime;

use spacetime::*;

const NAME_LIMIT: usize = 64;
const TEXT_LIMIT: usize = 16_000;

/// The tables and indexes, by the numbers that they keep as long as the instance lives.
#[derive(Clone, Copy)]
struct Tables {
    users: Table,
    rooms: Table,
    messages: Table,
    sweeps: Table,
    user_by_identity: Index,
    user_by_name: Index,
    room_by_name: Index,
}

/// An instance has one thread.
static mut TABLES: Option<Tables> = None;

fn tables() -> Tables {
    let look_up = || Tables {
        users: Table::named("User"),
        rooms: Table::named("Room"),
        messages: Table::named("Message"),
        sweeps: Table::named("Sweep"),
        user_by_identity: Index::named("User_identity_idx_hash"),
        user_by_name: Index::named("User_name_idx_hash"),
        room_by_name: Index::named("Room_name_idx_hash"),
    };
    unsafe { *TABLES.get_or_insert_with(look_up) }
}

// MARK: Rows

struct User {
    identity: Identity,
    name: String,
    is_online: bool,
    connections: u32,
    /// Whether there is a row of it.
    is_known: bool,
}

fn guest_name(identity: &Identity) -> String {
    format!("{:08x}", u32::from_le_bytes(identity[..4].try_into().unwrap()))
}

impl User {
    fn read(reader: &mut Reader) -> User {
        User {
            identity: reader.identity(),
            name: reader.text().to_string(),
            is_online: reader.u8() != 0,
            connections: reader.u32(),
            is_known: true,
        }
    }

    /// The user, or who the user would be.
    fn find(identity: &Identity) -> User {
        let mut buffer = [0; 256];
        match tables().user_by_identity.find(identity, &mut buffer) {
            Some(row) => User::read(&mut Reader(row)),
            None => User {
                identity: *identity,
                name: guest_name(identity),
                is_online: false,
                connections: 0,
                is_known: false,
            },
        }
    }

    fn store(&self) -> Result<(), String> {
        let (all, row) = (tables(), write().bytes(&self.identity).text(&self.name));
        let mut row = row.u8(self.is_online as u8).u32(self.connections).0;
        let stored = if self.is_known {
            all.users.update(all.user_by_identity, &mut row)
        } else {
            all.users.insert(&mut row)
        };
        stored.map_err(|_| "a user has that name already".to_string())
    }
}

fn insert_room(name: &str, now: i64) {
    let inserted = tables().rooms.insert(&mut write().text(name).i64(now).u32(0).0);
    assert!(inserted.is_ok(), "there is a room already");
}

fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.len() > NAME_LIMIT {
        return Err(format!("a name has 1 to {} bytes", NAME_LIMIT));
    }
    if name.starts_with(char::is_whitespace) || name.ends_with(char::is_whitespace) {
        return Err("a name does not begin or end with a blank".to_string());
    }
    Ok(())
}

// MARK: Reducers

fn set_up(call: Call) -> Result<(), String> {
    insert_room("lobby", call.now);
    let inserted = tables().sweeps.insert(&mut write().u64(0).u8(0).i64(3_600_000_000).0);
    assert!(inserted.is_ok(), "the sweep is there already");
    Ok(())
}

fn connected(call: Call) -> Result<(), String> {
    let mut user = User::find(&call.sender);
    user.connections += 1;
    user.is_online = true;
    user.store()
}

fn disconnected(call: Call) -> Result<(), String> {
    let mut user = User::find(&call.sender);
    if !user.is_known {
        return Ok(());
    }
    user.connections -= 1;
    user.is_online = user.connections > 0;
    user.store()
}

fn rename(call: Call, name: &str) -> Result<(), String> {
    check_name(name)?;
    let mut user = User::find(&call.sender);
    let mut buffer = [0; 256];
    if let Some(row) = tables().user_by_name.find(&write().text(name).0, &mut buffer) {
        if Reader(row).identity() != call.sender {
            return Err(format!("the name {} is taken", name));
        }
    }
    log(INFO, &format!("{} is called {}", user.name, name));
    user.name = name.to_string();
    user.store()
}

fn open(call: Call, room: &str) -> Result<(), String> {
    check_name(room)?;
    if tables().room_by_name.find(&write().text(room).0, &mut [0; 256]).is_some() {
        return Err(format!("there is a room {} already", room));
    }
    insert_room(room, call.now);
    Ok(())
}

fn send(call: Call, room: &str, text: &str) -> Result<(), String> {
    if text.is_empty() || text.len() > TEXT_LIMIT {
        return Err(format!("a message has 1 to {} bytes", TEXT_LIMIT));
    }
    let all = tables();
    let mut buffer = [0; 256];
    let place = match all.room_by_name.find(&write().text(room).0, &mut buffer) {
        Some(place) => place,
        None => return Err(format!("there is no room {}", room)),
    };
    let count_at = place.len() - 4;
    let count = u32::from_le_bytes(place[count_at..].try_into().unwrap()) + 1;
    place[count_at..].copy_from_slice(&count.to_le_bytes());
    assert!(all.rooms.update(all.room_by_name, place).is_ok(), "a room is there twice");
    let author = User::find(&call.sender).name;
    let row = write().u64(0).bytes(&call.sender).text(&author).text(room).i64(call.now).text(text);
    assert!(all.messages.insert(&mut { row.0 }).is_ok(), "a number was given twice");
    Ok(())
}

fn forget_guests() -> Result<(), String> {
    let all = tables();
    let rows = all.users.rows();
    let mut reader = Reader(&rows);
    while !reader.0.is_empty() {
        let user = User::read(&mut reader);
        if !user.is_online && user.name == guest_name(&user.identity) {
            all.user_by_identity.delete(&user.identity);
        }
    }
    Ok(())
}

// MARK: Exports

fn table(
    name: &'static str, ty: Type, unique: &'static [u16], is_numbered: bool, is_public: bool, indexes: Vec<IndexPart>,
) -> TablePart {
    TablePart { name, ty, unique, is_numbered, is_public, indexes }
}

fn definition() -> Module {
    let user = product(&[
        ("identity", identity_type()),
        ("name", plain(STRING)),
        ("isOnline", plain(BOOL)),
        ("connections", plain(U32)),
    ]);
    let room = product(&[("name", plain(STRING)), ("created", timestamp_type()), ("messageCount", plain(U32))]);
    let message = product(&[
        ("id", plain(U64)),
        ("sender", identity_type()),
        ("author", plain(STRING)),
        ("room", plain(STRING)),
        ("sent", timestamp_type()),
        ("text", plain(STRING)),
    ]);
    let sweep = product(&[("id", plain(U64)), ("when", schedule_type())]);
    let users = vec![
        hash("User_identity_idx_hash", "identity", &[0]),
        hash("User_name_idx_hash", "name", &[1]),
    ];
    let by_time = IndexPart {
        name: "Message_room_sent_idx_btree",
        accessor: "byRoomAndTime",
        algorithm: Algorithm::BTree,
        columns: &[3, 4],
    };
    let messages = vec![hash("Message_id_idx_hash", "id", &[0]), by_time];
    Module {
        tables: vec![
            table("User", user, &[0, 1], false, true, users),
            table("Room", room, &[0], false, true, vec![hash("Room_name_idx_hash", "name", &[0])]),
            table("Message", message, &[0], true, true, messages),
            table("Sweep", sweep, &[0], true, false, vec![hash("Sweep_id_idx_hash", "id", &[0])]),
        ],
        reducers: vec![
            own("setUp", vec![]),
            own("connected", vec![]),
            own("disconnected", vec![]),
            public("rename", vec![("name", plain(STRING))]),
            public("open", vec![("room", plain(STRING))]),
            public("send", vec![("room", plain(STRING)), ("text", plain(STRING))]),
            own("forgetGuests", vec![("sweep", ref_type(3))]),
        ],
        lifecycle: &[(0, "setUp"), (1, "connected"), (2, "disconnected")],
        schedules: &[("Sweep", 1, "forgetGuests")],
    }
}

module!(definition(), |call, reader| {
    0 => set_up(call),
    1 => connected(call),
    2 => disconnected(call),
    3 => rename(call, reader.text()),
    4 => open(call, reader.text()),
    5 => send(call, reader.text(), reader.text()),
    6 => forget_guests(),
});
