import CWasmtime
import SpacetimeHost

/// Where a module's imports come from.
@safe
final class WasmtimeLinker {
    private let wasmtime: Wasmtime
    private let raw: OpaquePointer

    init(_ engine: WASMEngine) {
        wasmtime = engine.wasmtime
        unsafe raw = engine.wasmtime.api.wasmtime_linker_new(engine.raw)
    }

    deinit { unsafe wasmtime.api.wasmtime_linker_delete(raw) }

    /// Offers a function of the host.
    ///
    /// - Parameter guest: what the function works on. It has to be there for as long as something runs that was linked.
    func define(_ function: HostFunction, for guest: GuestReference) throws(DatabaseError) {
        let error = unsafe wasmtime.withType(function.signature) { type in
            unsafe wasmtime.api.wasmtime_linker_define_func_unchecked(
                raw, function.module, function.module.utf8.count, function.name, function.name.utf8.count, type,
                function.body, guest.environment, nil)
        }
        if let error = unsafe error { throw DatabaseError(.moduleFailure, unsafe wasmtime.take(error: error)) }
    }

    /// Links a module, as far as that can be done before there is a store.
    func template(of module: WasmtimeModule) throws(DatabaseError) -> WasmtimeTemplate {
        var template: OpaquePointer?
        if let error = unsafe wasmtime.api.wasmtime_linker_instantiate_pre(raw, module.raw, &template) {
            throw DatabaseError(
                .invalidModule,
                "the module in WebAssembly cannot be linked: \(unsafe wasmtime.take(error: error))")
        }
        guard let template = unsafe template else {
            throw DatabaseError(.moduleFailure, "the module in WebAssembly cannot be linked")
        }
        return unsafe WasmtimeTemplate(wasmtime, owning: template)
    }
}

/// A module with what it imports, of which instances are made.
@safe
final class WasmtimeTemplate {
    private let wasmtime: Wasmtime
    let raw: OpaquePointer

    fileprivate init(_ wasmtime: Wasmtime, owning raw: OpaquePointer) {
        self.wasmtime = wasmtime
        unsafe self.raw = raw
    }

    deinit { unsafe wasmtime.api.wasmtime_instance_pre_delete(raw) }
}
