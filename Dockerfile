# The official image plus this package. The image brings its own tested set of packages: only what it lacks is
# added, and apache-airflow is named in the same command so that it is neither raised nor lowered.
ARG AIRFLOW_VERSION=3.3.2
FROM apache/airflow:${AIRFLOW_VERSION}-python3.11
ARG AIRFLOW_VERSION

COPY --chown=airflow:0 pyproject.toml README.md LICENSE /opt/license-ledger/
COPY --chown=airflow:0 include /opt/license-ledger/include
RUN pip install --no-cache-dir "apache-airflow==${AIRFLOW_VERSION}" "/opt/license-ledger[s3]"

COPY --chown=airflow:0 dags /opt/airflow/dags
COPY --chown=airflow:0 plugins /opt/airflow/plugins
USER airflow
