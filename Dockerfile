# The official image without extras, and on it exactly the packages that the tests ran with: deploy/image/requirements.txt
# is resolved together with the lock of the tests, with hashes. The package itself is the wheel that `pip` builds.
ARG AIRFLOW_VERSION=3.3.2

FROM apache/airflow:slim-${AIRFLOW_VERSION}-python3.11 AS wheel
COPY --chown=airflow:0 pyproject.toml README.md LICENSE /tmp/source/
COPY --chown=airflow:0 include /tmp/source/include
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /tmp/wheel /tmp/source

FROM apache/airflow:slim-${AIRFLOW_VERSION}-python3.11
COPY --chown=airflow:0 deploy/image/requirements.txt /opt/license-ledger/deploy/image/requirements.txt
RUN pip install --no-cache-dir --require-hashes --requirement /opt/license-ledger/deploy/image/requirements.txt
COPY --from=wheel --chown=airflow:0 /tmp/wheel /tmp/wheel
RUN pip install --no-cache-dir --no-deps /tmp/wheel/*.whl \
    && rm -r /tmp/wheel \
    && license-ledger --help > /dev/null

# What the services run besides Airflow's own commands, and the demo org, which is no part of the package.
COPY --chown=airflow:0 deploy/image /opt/license-ledger/deploy/image
COPY --chown=airflow:0 include/demo_org /opt/license-ledger/include/demo_org
COPY --chown=airflow:0 dags /opt/airflow/dags
COPY --chown=airflow:0 plugins /opt/airflow/plugins
# Any user of group 0 may run it; without one named it is not root.
USER airflow
