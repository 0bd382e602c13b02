import ArgumentParser

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The command `spacetimekit`.
public enum CommandLineProgram {
    /// Does what the process was started for.
    ///
    /// - Returns: the code that the process is to exit with: 0 if all went well, 1 if a server, a module or a disk refused, 2 if
    ///   something had to be confirmed and was not, 3 if no server answers, 64 if the arguments are wrong.
    public static func run() async -> Int32 {
        // Whoever reads the output may leave before its end. Writing then fails, which is seen where it happens.
        signal(SIGPIPE, SIG_IGN)
        openMissingStreams()
        return await run(Array(CommandLine.arguments.dropFirst()), in: .ofProcess())
    }

    /// Whoever starts a program may have closed its streams. The next file or connection would get the number of one, and what is
    /// printed would be written into it.
    static func openMissingStreams() {
        for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) < 0 {
            // Numbers are given out from the smallest on, and those below are taken. Reading and writing fail, as they did before.
            _ = open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY)
        }
    }

    static func run(_ arguments: [String], in session: CommandSession) async -> Int32 {
        await CommandSession.$current.withValue(session) {
            var command: any ParsableCommand
            do { command = try MainCommand.parseAsRoot(arguments) } catch {
                return reportOfParser(error, in: session)
            }
            do {
                if var command = command as? any AsyncParsableCommand {
                    try await command.run()
                } else {
                    try command.run()
                }
                return 0
            } catch  where MainCommand.exitCode(for: error) != .failure {
                // Help, and what else the parser has to say: whatever it does not know is a failure to it.
                return reportOfParser(error, in: session)
            } catch {
                return report(CommandFailure(any: error), in: session)
            }
        }
    }

    private static func report(_ failure: CommandFailure, in session: CommandSession) -> Int32 {
        if failure.status != .outputClosed {
            // Much of it was written by servers and modules. Where it cannot be written, the code has to do.
            let message = DisplayText.escapedLines(failure.message)
            try? session.note(session.style(of: .errors).red("error: ") + message)
        }
        return failure.status.rawValue
    }

    /// Help and versions that were asked for come as errors, too.
    private static func reportOfParser(_ error: any Error, in session: CommandSession) -> Int32 {
        let code = MainCommand.exitCode(for: error).rawValue
        let text = MainCommand.fullMessage(for: error)
        do throws(CommandFailure) {
            if code == 0 { try session.print(text) } else { try session.note(text) }
            return code
        } catch { return error.status.rawValue }
    }
}
