//! A bank: accounts, and money that moves between them. Only who opened the database can bring money in.
#[macro_use]
#[path = "../../../Tests/Modules/spacetime.rs"]
mod spacetime;

use spacetime::*;

fn accounts() -> (Table, Index) {
    (Table::named("account"), Index::named("account_owner_idx_hash"))
}

/// What somebody has; none if there is no account.
fn balance(owner: &Identity) -> Option<u64> {
    let mut buffer = [0; 40];
    let row = accounts().1.find(owner, &mut buffer)?;
    Some(u64::from_le_bytes(row[32..].try_into().unwrap()))
}

fn set_balance(owner: &Identity, balance: u64) {
    let (table, key) = accounts();
    let mut row = write().bytes(owner).u64(balance).0;
    assert!(table.update(key, &mut row).is_ok(), "an account is there twice");
}

// MARK: Reducers

/// Notes who opened the database.
fn set_up(call: Call) -> Result<(), String> {
    let kept = Table::named("keeper").insert(&mut write().u32(0).bytes(&call.sender).0);
    assert!(kept.is_ok(), "there is a keeper already");
    Ok(())
}

fn open(call: Call) -> Result<(), String> {
    let row = write().bytes(&call.sender).u64(0);
    accounts().0.insert(&mut { row.0 }).map_err(|_| "you have an account already".to_string())
}

/// Money comes in.
fn deposit(call: Call, owner: Identity, amount: u64) -> Result<(), String> {
    let mut buffer = [0; 36];
    let keeper = Index::named("keeper_id_idx_hash").find(&0u32.to_le_bytes(), &mut buffer);
    if keeper.map_or(true, |row| row[4..] != call.sender) {
        return Err("only the bank's keeper brings money in".to_string());
    }
    let before = balance(&owner).ok_or("there is no such account")?;
    set_balance(&owner, before.checked_add(amount).ok_or("that is too much")?);
    Ok(())
}

fn pay(call: Call, to: Identity, amount: u64) -> Result<(), String> {
    let source = balance(&call.sender).ok_or("you have no account")?;
    let destination = balance(&to).ok_or("there is no such account")?;
    if to == call.sender {
        return Err("you cannot pay yourself".to_string());
    }
    let left = source.checked_sub(amount).ok_or_else(|| format!("you have {} only", source))?;
    let sum = destination.checked_add(amount).ok_or("that is too much")?;
    set_balance(&call.sender, left);
    set_balance(&to, sum);
    log(INFO, &format!("{} changed hands", amount));
    Ok(())
}

// MARK: Exports

fn table(name: &'static str, ty: Type, is_public: bool, index: IndexPart) -> TablePart {
    TablePart { name, ty, unique: &[0], is_numbered: false, is_public, indexes: vec![index] }
}

fn definition() -> Module {
    let account = product(&[("owner", identity_type()), ("balance", plain(U64))]);
    let keeper = product(&[("id", plain(U32)), ("identity", identity_type())]);
    Module {
        tables: vec![
            table("account", account, true, hash("account_owner_idx_hash", "owner", &[0])),
            table("keeper", keeper, false, hash("keeper_id_idx_hash", "id", &[0])),
        ],
        reducers: vec![
            own("set_up", vec![]),
            public("open", vec![]),
            public("deposit", vec![("owner", identity_type()), ("amount", plain(U64))]),
            public("pay", vec![("to", identity_type()), ("amount", plain(U64))]),
        ],
        lifecycle: &[(0, "set_up")],
        schedules: &[],
    }
}

module!(definition(), |call, reader| {
    0 => set_up(call),
    1 => open(call),
    2 => deposit(call, reader.identity(), reader.u64()),
    3 => pay(call, reader.identity(), reader.u64()),
});
