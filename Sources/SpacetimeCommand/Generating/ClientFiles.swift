import SpacetimeBindings
import SpacetimeServer

/// Our own TypeScript client, which stands beside generated code so that both are of one version.
enum ClientFiles {
    /// As servers hand them out, with the line in front by which generated files are known.
    static var files: [BindingFile] {
        ClientLibrary.files.map { file in
            BindingFile(path: file.name, text: Bindings.marker + "\n" + String(decoding: file.bytes, as: UTF8.self))
        }
    }
}
