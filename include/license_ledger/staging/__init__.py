"""Landing and staging areas: layout, atomic publish, manifest, locks. Local disk and object stores."""
