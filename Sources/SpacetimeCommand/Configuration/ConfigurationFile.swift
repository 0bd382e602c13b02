/// The file that holds the ``Configuration``. Only its user may read it, since tokens are in it.
struct ConfigurationFile {
    let path: String

    /// `SPACETIMEKIT_CONFIG`, else `spacetimekit/config.json` where the XDG rules put configurations.
    init(in session: CommandSession) throws(CommandFailure) {
        if let path = session.variable("SPACETIMEKIT_CONFIG") {
            self.path = path
        } else if let directory = session.variable("XDG_CONFIG_HOME"), directory.hasPrefix("/") {
            path = directory + "/spacetimekit/config.json"
        } else if let home = session.variable("HOME") {
            path = home + "/.config/spacetimekit/config.json"
        } else {
            throw CommandFailure(
                .refused,
                "there is no place for the configuration, because HOME is not set; set it, or SPACETIMEKIT_CONFIG to the path of "
                    + "a file")
        }
    }

    /// What is in the file, or the beginning if there is none.
    func read() throws(CommandFailure) -> Configuration {
        guard let bytes = try UserFile.read(path) else { return .initial }
        do throws(Configuration.Problem) {
            guard let text = String(validating: bytes, as: UTF8.self) else { throw .init(text: "it is no UTF-8") }
            return try Configuration(text: text)
        } catch {
            throw CommandFailure(
                .refused,
                "the configuration '\(path)' cannot be read: \(error.text); mend it, or remove it and log in again")
        }
    }

    func write(_ configuration: Configuration) throws(CommandFailure) {
        try UserFile.makeDirectory(of: path)
        try UserFile.write(Array(configuration.text.utf8), to: path)
    }
}
