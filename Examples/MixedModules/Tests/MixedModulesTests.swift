import MixedGame
import SpacetimeKit
import SpacetimeWASM
import Synchronization
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

private let isRequired = getenv("SPACETIME_REQUIRE_WASM") != nil
private let package = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4)
    .joined(separator: "/")
private let bankPath = "\(package)/.build-modules/bank.wasm"

/// A Swift database and a Rust one in one process, with clients on both.
@Suite(
    .enabled(
        if: access(bankPath, R_OK) == 0 || isRequired,
        "the Rust module or Wasmtime is missing; run 'make wasmtime wasm-modules'"))
struct MixedModulesTests {
    let game: Game
    let ada: Player
    let grace: Player

    init() throws {
        game = try Game(bank: WASMModule(contentsOf: bankPath))
        ada = try Player("ada", in: game)
        grace = try Player("grace", in: game)
        try game.deposit(100, to: ada)
    }

    @Test func aClientIsTheSameInBoth() throws {
        #expect(try game.balances() == [ada.identity: 100, grace.identity: 0])
        let fighters = try game.arena.read { db in db.fighter.rows.map(\.identity) }
        #expect(Set(fighters) == [ada.identity, grace.identity])
    }

    @Test func aLostFightIsPaidForAndNoted() throws {
        let victories = Mutex<[UInt64]>([])
        try withExtendedLifetime(try grace.onVictory { duel in victories.withLock { $0.append(duel.stake) } }) {
            try ada.lose(to: grace, stake: 30)
        }
        #expect(victories.withLock { $0 } == [30])
        #expect(try ada.balance() == 70)
        #expect(try grace.balance() == 30)
        #expect(try game.arena.read { db in db.fighter.identity.find(grace.identity)?.wins } == 1)
        #expect(game.bank.log.last(1).map(\.message) == ["30 changed hands"])
    }

    @Test func whoCannotPayHasNotFought() throws {
        let error = #expect(throws: SenderError.self) { try ada.lose(to: grace, stake: 101) }
        #expect(error?.message == "you have 100 only")
        #expect(try ada.balance() == 100)
        #expect(try game.arena.read { db in db.duel.count } == 0)
    }

    @Test func playersCannotBringMoneyIn() throws {
        let mallory = try game.bank.connect(as: "mallory")
        let error = #expect(throws: SenderError.self) {
            try mallory.call("deposit", arguments: ada.identity.bsatn() + UInt64(1_000).bsatn())
        }
        #expect(error?.message == "only the bank's keeper brings money in")
    }

    @Test func leavingOneLeavesBoth() throws {
        try ada.leave()
        #expect(throws: DatabaseError.self) { try ada.lose(to: grace, stake: 1) }
        #expect(throws: DatabaseError.self) { try ada.balance() }
    }
}
