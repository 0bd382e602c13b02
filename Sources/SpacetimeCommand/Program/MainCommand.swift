import ArgumentParser

/// `spacetimekit`
struct MainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spacetimekit",
        abstract: "Serves SpacetimeDB databases, publishes modules to them, asks and looks after them.",
        discussion: """
            Something of your own:
              spacetimekit init --template chat talk && cd talk && spacetimekit dev

            The first steps with a server:
              spacetimekit start --data data              serve ./data, on port 3000
              spacetimekit login                          become somebody to that server
              spacetimekit publish chat.wasm chat         give it a module
              spacetimekit call chat send_message '"Hi"'  call one of its reducers
              spacetimekit sql chat                       ask, at a prompt

            Data goes to the standard output and everything else to the standard error, so
            that pipes get data only. Exit codes: 0 done, 1 refused, 2 not confirmed,
            3 no server answers, 64 wrong arguments.

            Completions for a shell (bash, zsh, fish):
              spacetimekit --generate-completion-script bash
            """,
        // As CHANGELOG.md has it.
        version: "spacetimekit 0.1.0-dev, which works with what is made for SpacetimeDB 2.8",
        groupedSubcommands: [
            CommandGroup(
                name: "Servers and tokens",
                subcommands: [StartCommand.self, ServerCommand.self, LoginCommand.self, LogoutCommand.self]),
            CommandGroup(
                name: "Databases on a server",
                subcommands: [
                    CallCommand.self, SQLCommand.self, DescribeCommand.self, LogsCommand.self, ListCommand.self,
                    PublishCommand.self, SubscribeCommand.self, RenameCommand.self, DeleteCommand.self,
                    LockCommand.self, UnlockCommand.self,
                ]),
            CommandGroup(
                name: "Programs",
                subcommands: [InitCommand.self, DevCommand.self, GenerateCommand.self, ExtractSchemaCommand.self]),
            CommandGroup(
                name: "Files, without a server",
                subcommands: [
                    BackupCommand.self, RestoreCommand.self, VerifyCommand.self, ExportCommand.self, ReplayCommand.self,
                ]),
        ])
}
