import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS

/// What a server does beside answering: it looks after the health of its databases and the age of its certificates, and at a
/// graceful shutdown sees to it that all that was promised has been done.
///
/// It belongs before whatever accepts connections in a list of services: services end in the opposite order, so that no client
/// comes any more when this one ends.
struct ServerUpkeep: Service {
    let server: SpacetimeServer

    /// How often databases and threads are looked at.
    private static let interval: Duration = .seconds(1)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await watchHealth() }
                if let tls = server.options.tls { group.addTask { await watchCertificates(every: tls.reloadInterval) } }
            }
        }
        await server.finish()
    }

    private func watchHealth() async {
        var known: Set<HealthMonitor.Problem.Subject> = []
        while (try? await Task.sleep(for: Self.interval)) != nil {
            let problems = server.checkHealth()
            for problem in problems where !known.contains(problem.subject) {
                server.logger.error(
                    "\(problem.text)",
                    metadata: ["part": "\(problem.part.rawValue)", "database": "\(problem.database ?? "all")"])
            }
            known = Set(problems.map(\.subject))
            // The program's own backend asks nobody, so it is told.
            if server.metrics.other != nil { server.metrics.sample(server.namedDatabases) }
        }
    }

    private func watchCertificates(every interval: Duration) async {
        while (try? await Task.sleep(for: max(interval, .seconds(1)))) != nil {
            do throws(DatabaseError) {
                // Reading files is not for a thread that others need.
                let isNew = try await suspendingAside { () throws(DatabaseError) in
                    try server.certificates()?.reload() ?? false
                }
                if isNew { server.logger.info("new certificates are in use") }
            } catch {
                server.logger.error("\(error.message)")
            }
        }
    }
}

extension HealthMonitor.Problem {
    /// What it is about, whatever its text says by now.
    struct Subject: Hashable {
        let part: HealthMonitor.Part
        let database: String?
    }

    var subject: Subject { Subject(part: part, database: database) }
}

extension SpacetimeServer {
    /// What is stuck, by what was seen until now.
    func checkHealth() -> [HealthMonitor.Problem] {
        health.check(namedDatabases, Array(group.makeIterator()), at: .now())
    }

    /// The databases, each under the name that it has in metrics.
    var namedDatabases: [(name: String, core: DatabaseCore)] {
        registry.all.map { (registry.label(of: $0.identity), $0.core) }
    }

    /// Waits until the disconnect reducers of all clients have run, and all commits are on disk. Their number is known by then,
    /// because no connections are accepted any more.
    func finish() async {
        for database in registry.all {
            await database.clients.allHaveLeft()
            guard let files = database.core.files else { continue }
            let failure = await suspendingAside { () -> StorageError? in
                do throws(StorageError) {
                    try files.log.flush()
                    return nil
                } catch { return error }
            }
            if let failure, failure.code != .closed {
                logger.error("the last commits of database \(database.identity.hex) may not be on disk: \(failure)")
            }
        }
        await suspendingAside { [publisher] in publisher.close() }
    }
}
