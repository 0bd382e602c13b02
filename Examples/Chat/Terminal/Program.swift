import SpacetimeKit

/// A chat in the terminal, and a way to pour text into one: every line `name: text` is said by that user.
///
///     git log --format='%an: %s' | chat        # the history of a repository as a conversation
///     chat                                     # type; /help lists the commands
@main
enum Program {
    static func main() throws {
        var session = try Session()
        while let line = readLine() {
            do {
                guard try session.take(line) else { break }
            } catch let error as SenderError {
                print("! \(error.message)")
            }
        }
        try session.finish()
    }
}
