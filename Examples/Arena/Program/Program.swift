import ArgumentParser

/// A game in one process or many: `arena serve`, `arena play`, and `arena bots`, who show what it costs.
@main
struct Program: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "arena", abstract: "Runners collect coins, twenty ticks a second.",
        subcommands: [ServeCommand.self, PlayCommand.self, BotsCommand.self])
}
