import ArgumentParser
import MixedGame
import SpacetimeKit
import SpacetimeWASM

/// Has two players fight for money: fights are in a Swift database, money in a Rust one.
@main
struct Program: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mixed-modules", abstract: "Has two players fight, in a Swift database, for money in a Rust one.")

    @Argument(help: "The bank: .build-modules/bank.wasm, which 'make wasm-modules' builds.")
    var bank: String

    func run() throws {
        let game = try Game(bank: WASMModule(contentsOf: bank))
        let (ada, grace) = (try Player("ada", in: game), try Player("grace", in: game))
        try game.deposit(100, to: ada)
        try game.deposit(20, to: grace)
        try ada.onVictory { print("ada wins \($0.stake)") }
        try grace.onVictory { print("grace wins \($0.stake)") }
        for (loser, winner, stake) in [(ada, grace, 30), (grace, ada, 50), (grace, ada, 1)]
            as [(Player, Player, UInt64)]
        {
            do { try loser.lose(to: winner, stake: stake) } catch { print("the bank refuses: \(error)") }
        }
        print("ada has \(try ada.balance()), grace has \(try grace.balance())")
        for line in game.bank.log.last() { print("the bank's log: \(line.message)") }
    }
}
