//! Money moves between accounts. `transfer.c` is the same in C, and the tests have the same in Swift: they see no
//! difference.
mod spacetime;

use spacetime::*;

fn find_balance(accounts: Index, id: u32) -> Option<i64> {
    let mut buffer = [0; 12];
    let row = accounts.find(&id.to_le_bytes(), &mut buffer)?;
    Some(i64::from_le_bytes(row[4..].try_into().unwrap()))
}

fn row(id: u32, balance: i64) -> [u8; 12] {
    let mut row = [0; 12];
    row[..4].copy_from_slice(&id.to_le_bytes());
    row[4..].copy_from_slice(&balance.to_le_bytes());
    row
}

fn fill(arguments: u32) -> Result<(), String> {
    let arguments = read_exactly::<12>(arguments);
    let mut reader = Reader(&arguments);
    let (count, balance) = (reader.u32(), reader.u64() as i64);
    let (table, _) = accounts();
    for id in 0..count {
        table.insert(&mut row(id, balance)).map_err(|_| "accountExists".to_string())?;
    }
    Ok(())
}

fn transfer(arguments: u32) -> Result<(), String> {
    let arguments = read_exactly::<16>(arguments);
    let mut reader = Reader(&arguments);
    let (from, to, amount) = (reader.u32(), reader.u32(), reader.u64() as i64);
    if from == to {
        return Err("sameAccount".to_string());
    }
    if amount <= 0 {
        return Err("amountNotPositive".to_string());
    }
    let (table, key) = accounts();
    let (source, destination) = match (find_balance(key, from), find_balance(key, to)) {
        (Some(source), Some(destination)) => (source, destination),
        _ => return Err("noSuchAccount".to_string()),
    };
    if source < amount {
        return Err("insufficientFunds".to_string());
    }
    let paid = table.update(key, &mut row(from, source - amount));
    let received = table.update(key, &mut row(to, destination + amount));
    assert!(paid.is_ok() && received.is_ok(), "an account is there twice");
    Ok(())
}

/// They keep their numbers as long as the instance lives, which has one thread.
static mut ACCOUNTS: Option<(Table, Index)> = None;

fn accounts() -> (Table, Index) {
    unsafe { *ACCOUNTS.get_or_insert_with(|| (Table::named("Account"), Index::named("Account_id_idx_hash"))) }
}

#[no_mangle]
pub extern "C" fn __preinit__00_panic_hook() {
    log_panics();
}

#[no_mangle]
pub extern "C" fn __describe_module__(sink: u32) {
    let account = TablePart {
        name: "Account",
        ty: product(&[("id", plain(U32)), ("balance", plain(I64))]),
        unique: &[0],
        is_numbered: false,
        is_public: true,
        indexes: vec![hash("Account_id_idx_hash", "id", &[0])],
    };
    let module = Module {
        tables: vec![account],
        reducers: vec![
            public("fill", vec![("accounts", plain(U32)), ("balance", plain(I64))]),
            public("transfer", vec![("from", plain(U32)), ("to", plain(U32)), ("amount", plain(I64))]),
            public("nothing", vec![]),
        ],
        lifecycle: &[],
        schedules: &[],
    };
    module.describe(sink);
}

#[no_mangle]
pub extern "C" fn __call_reducer__(
    id: u32, _: u64, _: u64, _: u64, _: u64, _: u64, _: u64, _: i64, arguments: u32, sink: u32,
) -> u32 {
    run(sink, || match id {
        0 => fill(arguments),
        1 => transfer(arguments),
        2 => Ok(()),
        _ => panic!("there is no reducer {}", id),
    })
}
